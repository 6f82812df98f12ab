"""Checkpoints that other people trained: files made safe, and their networks found."""
