"""Video: predictions of a detector as a dataset, and selected frames as images.

- :func:`selectlab.video.prediction.predict` runs an ultralytics model over videos and images.
- :func:`selectlab.video.frames_out.write_frames` writes the frames that a run has selected.
"""
