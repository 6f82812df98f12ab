"""Sections: experiments with fields, widgets, figures and numbers, which several pages show."""
