"""Videos with ground truth: detections, assertions about them, and a detector to retrain."""
