"""The public check in the console: reads questions, words the answers, and carries out decisions on appeals.

May import auth, case, kit and live. Called by routes/cases/check_page and public_reports.
"""
