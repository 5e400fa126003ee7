"""What is known of one feature: the pages beneath its card."""
