"""CloudFormation of the local cloud: templates in, resources out, as AWS orders, reports and undoes it."""
