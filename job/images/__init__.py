"""Find the photos, check them and decode them."""
