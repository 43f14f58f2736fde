"""The register of detectors, homes and buildings, and the technicians' tickets."""
