"""What changed between two versions of an API: findings, their levels, and reports of them."""
