"""IAM: moto deletes a user who still has access keys; AWS answers DeleteConflict."""

from moto.iam.exceptions import DeleteConflictException
from moto.iam.models import IAMBackend

from localcloud.moto_patches import Replace


def apply(replace: Replace) -> None:
    """Refuse to remove a user with keys."""
    remove = IAMBackend.delete_user

    def delete_user(self: IAMBackend, user_name: str) -> None:
        if self.get_user(user_name).access_keys:
            raise DeleteConflictException("Cannot delete entity, must delete access keys first.")
        remove(self, user_name)

    replace(IAMBackend, "delete_user", delete_user)
