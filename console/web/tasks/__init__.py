"""The officers' page: the data sent to the telephone, the acts received from it, and the schematic map.

May import console/web/auth, case, kit and live. Called by routes/field.
"""
