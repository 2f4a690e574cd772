"""Who is at the screen: accounts, sessions, what each role may open."""
