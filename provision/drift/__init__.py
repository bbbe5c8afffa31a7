"""Plan → findings: what is no longer as the profile says, where, and who changed it."""
