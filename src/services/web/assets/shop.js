/* Adds to pages that work without it: suggestions while typing, and panels that stay live. */

const atFirst = { everyMs: 700, times: 15 };
const laterEveryMs = 5_000;

/** @param {number} ms */
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const visible = () =>
  document.visibilityState === 'visible'
    ? Promise.resolve()
    : new Promise((resolve) => document.addEventListener('visibilitychange', resolve, { once: true })).then(visible);

/** Refetches the content of a panel: often at first, while the reader's own search is being counted. */
async function keepLive(panel) {
  let shown = '';
  for (let round = 0; ; round++) {
    await pause(round < atFirst.times ? atFirst.everyMs : laterEveryMs);
    await visible();
    const address = new URL(panel.dataset.live, location.href);
    if (panel.querySelector('[data-key]')) address.searchParams.set('keep', 'list');
    const fresh = await fetch(address, { signal: AbortSignal.timeout(4_000) })
      .then((answer) => (answer.status === 200 ? answer.text() : shown))
      .catch(() => shown);
    if (fresh === shown || panel.contains(document.activeElement)) continue;
    replaceInside(panel, fresh);
    shown = fresh;
  }
}

/** Marks new rows, so that the style can highlight them. */
function replaceInside(panel, markup) {
  const before = new Set(keysOf(panel));
  const inside = document.createElement('template');
  inside.innerHTML = markup;
  for (const row of inside.content.querySelectorAll('[data-key]')) {
    if (!before.has(row.dataset.key)) row.classList.add('is-new');
  }
  panel.replaceChildren(inside.content);
}

const keysOf = (panel) => Array.from(panel.querySelectorAll('[data-key]'), (row) => row.dataset.key);

/** The combobox pattern of ARIA 1.2: focus stays in the field, arrows move the active option. */
function suggestWhileTyping(field) {
  const list = document.createElement('ul');
  Object.assign(list, { id: 'suggestions', className: 'suggest', hidden: true });
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Suggestions');
  field.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-controls': list.id,
    'aria-expanded': 'false',
  })) {
    field.setAttribute(name, value);
  }
  let active = -1;
  let asking = new AbortController();

  const show = (rows) => {
    active = -1;
    field.removeAttribute('aria-activedescendant');
    list.replaceChildren(...rows.map(optionOf));
    list.hidden = rows.length === 0;
    field.setAttribute('aria-expanded', String(rows.length > 0));
  };
  const close = () => {
    asking.abort();
    show([]);
  };
  const move = (step) => {
    const count = list.children.length;
    if (count === 0) return;
    list.children[active]?.setAttribute('aria-selected', 'false');
    active = active < 0 && step < 0 ? count - 1 : (active + step + count) % count;
    const option = list.children[active];
    option.setAttribute('aria-selected', 'true');
    option.scrollIntoView({ block: 'nearest' });
    field.setAttribute('aria-activedescendant', option.id);
  };
  const ask = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const query = field.value.trim();
    if (query === '') return show([]);
    try {
      await pause(80);
      if (signal.aborted) return;
      const answer = await fetch(`/api/suggest?${new URLSearchParams({ q: query })}`, { signal });
      const rows = answer.ok ? rowsOf(await answer.json()) : [];
      if (!signal.aborted && document.activeElement === field) show(rows);
    } catch {
      if (!signal.aborted) show([]);
    }
  };

  field.addEventListener('input', ask);
  field.addEventListener('blur', close);
  field.addEventListener('keydown', (event) => {
    if (event.isComposing) return;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden) void ask();
      else move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Escape' && !list.hidden) {
      event.preventDefault();
      close();
    } else if (event.key === 'Enter' && active >= 0) {
      event.preventDefault();
      location.assign(list.children[active].dataset.href);
    }
  });
  list.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', (event) => {
    const option = event.target.closest('[data-href]');
    if (option) location.assign(option.dataset.href);
  });
}

function optionOf({ text, hint, href }, index) {
  const option = document.createElement('li');
  option.id = `suggestion-${index}`;
  option.dataset.href = href;
  option.setAttribute('role', 'option');
  option.setAttribute('aria-selected', 'false');
  const label = document.createElement('span');
  label.textContent = text;
  const aside = document.createElement('small');
  aside.textContent = hint;
  option.append(label, aside);
  return option;
}

/** Joins the four kinds of suggestion of `/api/suggest` into one list. */
function rowsOf({ queries = [], books = [], authors = [], subjects = [] }) {
  return [
    ...queries.map((query) => searchRow(query, 'searched')),
    ...books.map(({ id, title, author }) => ({ text: title, hint: author, href: `/books/${id}` })),
    ...authors.map((author) => searchRow(author, 'author')),
    ...subjects.map((subject) => searchRow(subject, 'subject')),
  ];
}

const searchRow = (text, hint) => ({ text, hint, href: `/?${new URLSearchParams({ q: text })}` });

for (const panel of document.querySelectorAll('[data-live]')) void keepLive(panel);
const field = document.querySelector('#q');
if (field) suggestWhileTyping(field);
