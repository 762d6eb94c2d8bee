"""What the local CloudFormation can make: a module a service, a class a resource type."""
