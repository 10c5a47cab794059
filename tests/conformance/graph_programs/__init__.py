"""Programs whose graphs are compared with PyTorch's, by theme: network, recurrence, attention, algebra, view,
loss, mechanism.

Every public function of a module is a program: it gets torch (the real one or the engine) and returns the
tensor at the end of its graph and the leaves below, in order."""
