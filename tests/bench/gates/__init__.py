"""How often is a gate wrong?"""
