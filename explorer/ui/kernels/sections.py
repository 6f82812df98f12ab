"""The sections of the Kernels page, by their names in links."""

from explorer.ui.shared.sections import blocks, field, inception, size, stack
from explorer.ui.shared.sections.section import Section

SECTIONS: dict[str, Section] = {
    "stack": stack.SECTION,
    "size": size.SECTION,
    "field": field.SECTION,
    "blocks": blocks.SECTION,
    "inception": inception.SECTION,
}
