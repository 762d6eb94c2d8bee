"""The stacks and change sets of one cloud: finds them, and the values that stacks export to one another."""

import threading
from collections.abc import Sequence

from localcloud.cloudformation.errors import NoSuchChangeSetError, RequestError
from localcloud.cloudformation.stacks import ChangeSet, Scope, Stack


class Registry:
    """All stacks and change sets, oldest first; hold ``lock`` to change them."""

    def __init__(self) -> None:
        self.stacks: list[Stack] = []
        self.change_sets: list[ChangeSet] = []
        self.lock = threading.RLock()

    def value(self, stack: Stack, name: str) -> str:
        """Return the value of an export that a stack asks for."""
        for other in self._neighbours(stack):
            for output in other.outputs:
                if output.export == name:
                    return output.value
        raise RequestError(f"No export named {name} found.")

    def users(self, stack: Stack, name: str) -> Sequence[str]:
        """Return the names of the other stacks that use an export."""
        return [other.name for other in self._neighbours(stack) if name in other.imports]

    def owner(self, stack: Stack, name: str) -> str | None:
        """Return the name of another stack that has an export of this name already."""
        for other in self._neighbours(stack):
            if any(output.export == name for output in other.outputs):
                return other.name
        return None

    def _neighbours(self, stack: Stack) -> list[Stack]:
        return [other for other in self.living(Scope(stack.account, stack.region)) if other is not stack]

    def living(self, scope: Scope) -> list[Stack]:
        """Return the stacks of an account and region that are not deleted, the newest first."""
        return [one for one in self.all(scope) if one.deleted is None]

    def all(self, scope: Scope) -> list[Stack]:
        """Return the stacks of an account and region, the newest first."""
        with self.lock:
            return [one for one in reversed(self.stacks) if (one.account, one.region) == scope]

    def stack(self, scope: Scope, name: str, missing: str = "Stack with id {} does not exist") -> Stack:
        """Return a stack by its name or, deleted or not, by its id."""
        for one in self.all(scope):
            if one.id == name or (one.name == name and one.deleted is None):
                return one
        raise RequestError(missing.format(name))

    def change_set(self, scope: Scope, name: str, stack_name: str | None) -> ChangeSet:
        """Return a change set by its id, or by its name and its stack's name or id."""
        with self.lock:
            for one in reversed(self.change_sets):
                if one.id == name:
                    return one
        if stack_name is None:
            raise RequestError("StackName must be specified if ChangeSetName is not specified as an ARN.")
        stack = self.stack(scope, stack_name, "Stack [{}] does not exist")
        for one in self.change_sets_of(stack):
            if one.name == name:
                return one
        raise NoSuchChangeSetError(name)

    def change_sets_of(self, stack: Stack) -> list[ChangeSet]:
        """Return a stack's change sets, the newest first."""
        with self.lock:
            return [one for one in reversed(self.change_sets) if one.stack is stack]
