"""Side by side with the fastest peers: same arrays, same run, judged by the runner itself."""
