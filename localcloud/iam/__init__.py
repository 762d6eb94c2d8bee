"""Who may do what in the local cloud: signatures, principals and policies, checked before a request reaches moto."""
