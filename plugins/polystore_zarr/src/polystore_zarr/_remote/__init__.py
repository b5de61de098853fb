"""Arrays and plates in object stores: ``s3://``, ``gs://`` and ``memory://``, through obstore.

An object store can neither rename nor replace several objects in one step, but it replaces one. So what is
saved lies under a name of its own, ``version-`` and 32 hexadecimal digits, and the document of the node, a
group of Zarr, says which version counts; that of an image names its levels in it. The first version of an
image has plain names, claimed by its writer. Writing that document commits the save: whoever reads finds the
old version or the new one. What counts no longer is deleted afterwards; what a killed writer left is deleted
by a later save to the same node, when nothing was added to it for an hour.
"""

from polystore_zarr._remote._stores import ObjectStores, Spot

__all__ = ["ObjectStores", "Spot"]
