"""What the report is made of: template, style, scripts."""
