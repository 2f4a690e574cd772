"""The policy file, with which a province sets its own rules: loading, validation, and its identity by content hash."""

from domain.policy.file import Policy, PolicyError, digest_of, faults_of, load

__all__ = ["Policy", "PolicyError", "digest_of", "faults_of", "load"]
