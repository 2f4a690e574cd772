"""The registered plans of randomised experiments, as tables of the policy file. May import domain/policy's modules."""
