"""How a resident's name and number are shortened for whoever need not know them. Pure."""


def masked_name(name: str) -> str:
    """The first character and two stars, so that the length says nothing: ``陈**``."""
    return f"{name[:1]}**"


def masked_phone(phone: str) -> str:
    """``138****1234``; of a number under eleven digits only the last two are left."""
    digits = "".join(filter(str.isdigit, phone))
    if len(digits) >= 11:
        return f"{digits[:3]}****{digits[-4:]}"
    return f"****{digits[-2:] if len(digits) > 4 else ''}"
