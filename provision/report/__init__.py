"""Values → text, JSON and other forms. Renderers compute nothing, and print nothing."""
