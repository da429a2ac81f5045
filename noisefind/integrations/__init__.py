"""A training of Lightning, Hugging Face or Keras goes in; a folder of the Recorder comes out.

Each module needs its framework, which comes with the extra of the same name. So nothing else in the
package imports this folder.
"""
