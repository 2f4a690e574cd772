"""The policy file: what a province decides for itself. Loaded, validated, known by its content's hash."""

from domain.policy.file import Policy, PolicyError, digest_of, load

__all__ = ["Policy", "PolicyError", "digest_of", "load"]
