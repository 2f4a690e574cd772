"""Which automated contact comes first: the table of the policy, and the groups of residents and hours it is by. May
import domain/policy's modules.
"""
