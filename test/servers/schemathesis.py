# Loaded by schemathesis: texts of the formats that the descriptions name.
import schemathesis
from hypothesis import strategies as st

schemathesis.openapi.format("isbn", st.sampled_from(["9780306406157", "0-306-40615-2", "978-0-306-40615-7", ""]))
schemathesis.openapi.format("language-tag", st.sampled_from(["en", "de", "pt-BR", "zh-Hant", ""]))
