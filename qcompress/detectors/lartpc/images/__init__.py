"""Images of wire planes: which pixels are tracks and which are showers, by a U-Net."""
