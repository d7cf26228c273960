"""The model: subwords, attention, encoder, decoder, beam search, training and export."""
