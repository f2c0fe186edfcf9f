"""The aten dialect: what the user wrote, one op per line of schemas.txt."""
