"""EMR's security configuration: encryption at rest and in transit, and the instance metadata service."""

from typing import Any


def security_configuration(disk_key_arn: str, tls_certificates: str, metadata_hops: int) -> dict[str, Any]:
    """Return the document of an EMR security configuration.

    Parameters
    ----------
    tls_certificates
        ``s3://`` URI of a zipped PEM bundle; empty for no encryption between the nodes.
    metadata_hops
        How many network hops an answer of the metadata service lives: 2 where containers ask, else 1.
    """
    encryption: dict[str, Any] = {
        "EnableAtRestEncryption": True,
        "AtRestEncryptionConfiguration": {
            "S3EncryptionConfiguration": {"EncryptionMode": "SSE-S3"},
            "LocalDiskEncryptionConfiguration": {
                "EncryptionKeyProviderType": "AwsKms",
                "AwsKmsKey": disk_key_arn,
                "EnableEbsEncryption": True,
            },
        },
        "EnableInTransitEncryption": bool(tls_certificates),
    }
    if tls_certificates:
        encryption["InTransitEncryptionConfiguration"] = {
            "TLSCertificateConfiguration": {
                "CertificateProviderType": "PEM",
                "S3Object": tls_certificates,
            }
        }
    return {
        "EncryptionConfiguration": encryption,
        "InstanceMetadataServiceConfiguration": {
            # Version 1 gives the node's credentials to any program that can make it fetch a URL.
            "MinimumInstanceMetadataServiceVersion": 2,
            "HttpPutResponseHopLimit": metadata_hops,
        },
    }
