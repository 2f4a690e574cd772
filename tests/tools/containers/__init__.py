"""The containers of deploy/compose.yaml, run by hand: `python -m tests.tools.containers`.

It starts the whole installation with podman, sends signals as feeds do, kills containers, rolls the image to another
version, and judges by what the carrier took and what the journal says. Needs root, podman and `make images`.
"""
