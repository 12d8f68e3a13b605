"""From a video to a video: read, predicted frame by frame, written in segments, joined with the sound."""
