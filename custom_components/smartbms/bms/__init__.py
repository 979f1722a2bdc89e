"""What a 123SmartBMS is and says: pure decoding and encoding, standard library only."""
