"""Call AWS: clients, retries, objects, stacks and the CDK."""
