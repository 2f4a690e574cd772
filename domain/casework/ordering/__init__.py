"""The order of the operators' queue by a method: Whittle's index of each case, and what it rests on.

May import domain.policy and the rest of domain.casework. Called by the laboratory, which compares it with the order in
force (domain/casework/triage).
"""
