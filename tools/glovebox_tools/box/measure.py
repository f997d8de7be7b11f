def measure(*a: object, **k: object) -> bool: return True
