#!/usr/bin/env bash
# First step of a cluster with JupyterHub: replaces the published password of its user by a generated one.
#
#   jupyterhub_password.sh SECRET REGION
#
#   SECRET  ARN of the secret in Secrets Manager
#
# It is read through Systems Manager, which Session Manager needs an endpoint to anyway: one endpoint less to pay for.
# JupyterHub is only installed after the bootstrap actions, hence a step. If this fails, the cluster ends.
set -euo pipefail

# The ARN ends with the name, a hyphen and six random characters.
name=${1##*:secret:}
name=${name%-??????}
password=$(aws ssm get-parameter --name "/aws/reference/secretsmanager/${name}" --with-decryption --region "$2" \
    --query Parameter.Value --output text)
# By standard input: a command line can be read by every user of the node.
printf 'jovyan:%s\n' "${password}" | sudo docker exec --interactive jupyterhub chpasswd
echo "jupyterhub: the password of jovyan is the one in Secrets Manager"
