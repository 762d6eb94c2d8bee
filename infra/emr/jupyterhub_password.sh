#!/usr/bin/env bash
# First step of a cluster with JupyterHub: replaces the published password of its user by a generated one.
#
#   jupyterhub_password.sh SECRET REGION
#
# JupyterHub is only installed after the bootstrap actions, hence a step. If this fails, the cluster ends.
set -euo pipefail

password=$(aws secretsmanager get-secret-value --secret-id "$1" --region "$2" --query SecretString --output text)
# By standard input: a command line can be read by every user of the node.
printf 'jovyan:%s\n' "${password}" | sudo docker exec --interactive jupyterhub chpasswd
echo "jupyterhub: the password of jovyan is the one in Secrets Manager"
