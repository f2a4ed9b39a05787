"""Networks: backbones, heads, losses, and registration to a ground map."""
