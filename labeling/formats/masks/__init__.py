"""Trees of photos and masks, and what every format with mask files shares."""
