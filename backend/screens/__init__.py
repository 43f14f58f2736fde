"""What each role's screen reads and hears. Above the domains: it may ask several of them."""
