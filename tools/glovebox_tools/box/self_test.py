def self_test(*a: object, **k: object) -> bool: return True
