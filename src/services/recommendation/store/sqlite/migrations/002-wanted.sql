CREATE INDEX wanted_by_book ON verdict (book, reader) WHERE verdict = 'wanted' AND holds = 1;
