"""Many machines, one question: what does each cost, and which of them does no other beat?"""
