"""Who is eligible and nearest. Pure choice over values; the pipeline brings them together."""
