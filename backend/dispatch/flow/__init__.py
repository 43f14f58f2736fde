"""Pure choices of dispatch: whom to ask, and who moves up when an area is left empty."""
