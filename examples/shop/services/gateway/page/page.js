// Lists the products, places an order, and shows its receipt.
const list = document.querySelector('ul');
const paper = document.querySelector('pre');

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

async function ask(path, options) {
  const reply = await fetch(`/api${path}`, options);
  const text = await reply.text();
  if (!reply.ok) throw new Error(JSON.parse(text).error);
  return text;
}

async function show() {
  for (const { sku, name, cents } of JSON.parse(await ask('/products'))) {
    const item = element('li');
    item.append(
      element('span', { textContent: name }),
      element('span', { textContent: `${(cents / 100).toFixed(2)} € + tax` }),
      element('input', { type: 'number', name: sku, min: 0, max: 999, value: 0 }),
    );
    list.append(item);
  }
}

async function order(form) {
  const items = [...new FormData(form)]
    .map(([sku, quantity]) => ({ sku, quantity: Number(quantity) }))
    .filter(({ quantity }) => quantity > 0);
  const { id } = JSON.parse(await ask('/orders', { method: 'POST', body: JSON.stringify({ items }) }));
  paper.textContent = await ask(`/orders/${id}/receipt`);
}

const complain = (error) => (paper.textContent = error.message);

document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault();
  order(event.target).catch(complain);
});
show().catch(complain);
