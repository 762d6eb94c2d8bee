"""The security configuration is nested as EMR's documentation has it."""

from infra.emr.security_configuration import security_configuration

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1"


def test_data_at_rest_is_encrypted_in_s3_and_on_disks() -> None:
    document = security_configuration(KEY, "", metadata_hops=1)
    assert document["EncryptionConfiguration"] == {
        "EnableAtRestEncryption": True,
        "AtRestEncryptionConfiguration": {
            "S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"},
            "LocalDiskEncryptionConfiguration": {
                "EncryptionKeyProviderType": "AwsKms",
                "AwsKmsKey": KEY,
                "EnableEbsEncryption": True,
            },
        },
        "EnableInTransitEncryption": False,
    }


def test_certificates_encrypt_data_in_transit() -> None:
    encryption = security_configuration(KEY, "s3://secrets/pem.zip", 1)["EncryptionConfiguration"]
    assert encryption["EnableInTransitEncryption"] is True
    assert encryption["InTransitEncryptionConfiguration"] == {
        "TLSCertificateConfiguration": {"CertificateProviderType": "PEM", "S3Object": "s3://secrets/pem.zip"}
    }


def test_only_version_2_of_the_metadata_service_answers() -> None:
    assert security_configuration(KEY, "", metadata_hops=2)["InstanceMetadataServiceConfiguration"] == {
        "MinimumInstanceMetadataServiceVersion": 2,
        "HttpPutResponseHopLimit": 2,
    }
