'use strict';

let settings = { mostBytes: 10 << 20 }; // until the server has sent its own

// ---- helpers ----

function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children); // strings become text nodes: nothing is ever parsed as HTML
  return created;
}

const formatCosine = cosine => cosine.toFixed(3);
// Up: a threshold that is a bit too low accepts more than it was calibrated for.
const formatThreshold = threshold => (Math.ceil(threshold * 1000 - 1e-6) / 1000).toFixed(3);

/** Makes a whole sentence of an error message. */
const sentence = message => message.charAt(0).toUpperCase() + message.slice(1) + (message.endsWith('.') ? '' : '.');

function fail(answer, error) {
  answer.className = 'answer bad';
  answer.replaceChildren(element('strong', {}, 'Error: '), sentence(error.message));
}

function show(answer, ...children) {
  answer.className = 'answer';
  answer.replaceChildren(...children);
}

async function send(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body, headers: { 'X-Face-Page': '1' }, cache: 'no-store' });
  } catch (e) {
    throw new Error('the server does not respond; check that it is still running');
  }
  const value = await response.json().catch(() => ({ error: 'the server responded with status ' + response.status }));
  if (!response.ok) throw new Error(value.error);
  return value;
}

// ---- choosing an image ----

/** Lets the user choose a file or take a photo, and shows the image. */
class Picker {
  constructor(container) {
    const copy = document.getElementById('picker').content.cloneNode(true);
    this.title = container.dataset.picker;
    this.input = copy.querySelector('input');
    this.preview = copy.querySelector('.preview');
    this.previewImage = copy.querySelector('img');
    this.boxes = copy.querySelector('.boxes');
    this.chosen = copy.querySelector('.chosen');
    this.image = null; // a File or Blob
    const camera = copy.querySelector('.camera');
    copy.querySelector('.title').textContent = this.title;
    camera.setAttribute('aria-label', `${this.title}: use camera`);
    this.input.addEventListener('change', () => this.select(this.input.files[0] ?? null, false));
    camera.addEventListener('click', async () => {
      const photo = await takePhoto();
      if (photo) {
        this.input.value = '';
        this.select(photo, true);
      }
      // the dialog has given the focus back already; whoever was quick has moved on since
      if (document.activeElement === document.body) camera.focus();
    });
    container.replaceChildren(copy);
  }

  select(image, fromCamera) {
    if (this.previewImage.src) URL.revokeObjectURL(this.previewImage.src);
    this.image = image;
    this.boxes.replaceChildren();
    this.preview.hidden = true;
    this.previewImage.removeAttribute('src');
    this.chosen.textContent = fromCamera ? 'A photo from the camera is selected.' : '';
    if (!image || image.size > settings.mostBytes) return;
    this.previewImage.alt = `${this.title}: preview`;
    this.previewImage.onload = () => { this.preview.hidden = false; };
    this.previewImage.src = URL.createObjectURL(image);
  }

  /** Returns the selected image, or throws an error that tells the user what to do. */
  async get() {
    if (!this.image) throw new Error(`the ${this.title.toLowerCase()} is missing; choose a file or use the camera`);
    if (this.image.size > settings.mostBytes) {
      const mb = Math.ceil(this.image.size / 1048576);
      throw new Error(`an image must be at most ${settings.mostBytes / 1048576} MB, but was ${mb} MB; reduce its size`);
    }
    try {
      await this.image.slice(0, 1).arrayBuffer();
    } catch (e) {
      throw new Error(`the ${this.title.toLowerCase()} cannot be read; it may have been changed since: choose it again`);
    }
    return this.image;
  }

  clear() {
    this.input.value = '';
    this.select(null, false);
  }

  /** Draws a numbered box around each face. */
  mark(faces, width, height) {
    this.boxes.replaceChildren(...faces.map((face, i) => {
      const [x, y, w, h] = face.box;
      const box = element('span', { className: 'box' }, element('span', {}, String(i + 1)));
      Object.assign(box.style, { left: 100 * x / width + '%', top: 100 * y / height + '%',
        width: 100 * w / width + '%', height: 100 * h / height + '%' });
      return box;
    }));
  }
}

/** Opens the camera dialog; resolves to a JPEG, or to null if the user cancels. */
function takePhoto() {
  const dialog = document.getElementById('camera');
  const video = dialog.querySelector('video');
  const message = dialog.querySelector('.answer');
  const take = document.getElementById('take');
  let stream = null;
  let photo = null;
  let open = true;
  show(message);
  take.disabled = true;
  dialog.showModal();
  (navigator.mediaDevices
    ? navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: 'user' } })
    : Promise.reject(new Error('browsers allow camera access only for pages on this machine or over HTTPS')))
    .then(async opened => {
      stream = opened;
      if (!open) return stop();
      video.srcObject = stream;
      await video.play();
      take.disabled = false;
      take.focus();
    })
    .catch(error => open && fail(message, error));
  function stop() {
    stream?.getTracks().forEach(track => track.stop());
    video.srcObject = null;
  }
  return new Promise(resolve => {
    take.onclick = () => {
      const canvas = element('canvas', { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext('2d').drawImage(video, 0, 0);
      canvas.toBlob(blob => { photo = blob; dialog.close(); }, 'image/jpeg', 0.95);
    };
    document.getElementById('cancel').onclick = () => dialog.close();
    dialog.onclose = () => { open = false; stop(); resolve(photo); };
  });
}

// ---- results ----

/** Draws the cosine and the threshold on a scale; hidden from screen readers because the text says the same. */
function drawScale(cosine, threshold) {
  const at = value => 4 + 192 * (Math.max(-1, Math.min(1, value)) + 1) / 2;
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const add = (tag, attributes, text) => {
    const part = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    if (text) part.textContent = text;
    drawing.append(part);
  };
  drawing.setAttribute('viewBox', '0 0 200 26');
  drawing.setAttribute('class', 'scale');
  drawing.setAttribute('preserveAspectRatio', 'xMinYMid meet');
  drawing.setAttribute('aria-hidden', 'true');
  add('path', { d: 'M4 8H196', stroke: 'currentColor', 'stroke-width': 1 });
  add('path', { d: `M${at(threshold)} 8H196`, stroke: 'currentColor', 'stroke-width': 4 });
  add('path', { d: `M${at(threshold)} 2V14`, stroke: 'currentColor', 'stroke-width': 1.5 });
  add('circle', { cx: at(cosine), cy: 8, r: 4.5, fill: 'currentColor' });
  for (const [value, anchor] of [[-1, 'start'], [0, 'middle'], [1, 'end']]) {
    add('text', { x: value === 0 ? 100 : value < 0 ? 0 : 200, y: 25, 'text-anchor': anchor, 'font-size': 8,
      fill: 'currentColor' }, String(value));
  }
  return drawing;
}

/** Shows aligned faces beside a title and details, and a scale unless the cosine is null. */
function resultCard(good, thumbnails, title, details, cosine, threshold) {
  const text = element('div', {}, element('strong', {}, (good ? '✓ ' : '? ') + title), element('small', {}, details));
  if (cosine !== null) text.append(drawScale(cosine, threshold));
  return element('div', { className: 'result ' + (good ? 'good' : 'unsure') },
    ...thumbnails.map(src => element('img', { src, alt: '' })), text);
}

function identified(result) {
  return result.faces.map((face, i) => {
    const number = result.faces.length > 1 ? `${i + 1}: ` : '';
    const threshold = `threshold ${formatThreshold(result.threshold)}`;
    if (face.best) {
      return resultCard(true, [face.portrait], number + face.best.name,
        `Cosine ${formatCosine(face.best.cosine)}, ${threshold}.`, face.best.cosine, result.threshold);
    }
    const nearest = face.nearest;
    return resultCard(false, [face.portrait], number + 'Unknown', nearest
      ? `The most similar person is ${nearest.name}: cosine ${formatCosine(nearest.cosine)}, ${threshold}.`
      : 'The gallery is empty.', nearest ? nearest.cosine : null, result.threshold);
  });
}

function compared(result) {
  const rate = result.falseAcceptRate === null ? '' : ` (false accept rate ${result.falseAcceptRate})`;
  const results = [resultCard(result.same, result.portraits, result.same ? 'Same person' : 'Different people',
    `Cosine ${formatCosine(result.cosine)}, threshold ${formatThreshold(result.threshold)}${rate}.`, result.cosine, result.threshold)];
  if (!result.same) results[0].querySelector('strong').textContent = '≠ Different people';
  if (Math.max(...result.facesInPictures) > 1) {
    results.push(element('p', {}, 'Several faces were found. The faces shown here were compared.'));
  }
  return results;
}

function enrolled(result) {
  const details = result.facesInPicture > 1
    ? `Entry ${result.entry}: the face shown here, one of ${result.facesInPicture}.` : `Entry ${result.entry}.`;
  return [resultCard(true, [result.portrait], `${result.name} is enrolled`, details, null, null)];
}

// ---- the gallery ----

function list(gallery) {
  const faces = document.querySelector('#gallery .faces');
  const limit = gallery.entries.length < gallery.total ? `; the newest ${gallery.entries.length} are shown` : '';
  document.getElementById('gallery-count').textContent = gallery.total === 0
    ? 'No faces are enrolled yet.' : `${gallery.total} ${gallery.total === 1 ? 'entry' : 'entries'}${limit}.`;
  faces.replaceChildren(...gallery.entries.map(({ entry, name }) => {
    const image = element('img', { src: `/api/gallery/${entry}/image`, alt: `Face of ${name}`, loading: 'lazy' });
    const face = element('div', { className: 'face' }, image);
    image.onerror = () => face.replaceChildren(element('div', { className: 'none' }, 'No image'));
    const remove = element('button', { type: 'button' }, 'Remove');
    remove.setAttribute('aria-label', `Remove ${name}, entry ${entry}`);
    remove.addEventListener('click', () => removeEntry(entry, name));
    return element('li', {}, face,
      element('div', { className: 'who' }, name, ' ', element('span', { className: 'entry' }, `entry ${entry}`)), remove);
  }));
}

/** Lists the gallery again; an error is shown in its own section. */
const refreshGallery = () => send('GET', '/api/gallery').then(list)
  .catch(error => fail(document.querySelector('#gallery .answer'), error));

async function removeEntry(entry, name) {
  if (!window.confirm(`Remove ${name}, entry ${entry}, from the gallery?`)) return;
  const answer = document.querySelector('#gallery .answer');
  try {
    list(await send('DELETE', `/api/gallery/${entry}`));
    show(answer, element('p', {}, `${name}, entry ${entry}, was removed.`));
    document.getElementById('gallery-title').focus(); // the button that had the focus no longer exists
  } catch (error) {
    fail(answer, error);
  }
}

// ---- the forms ----

/** Runs a section's form: shows the busy text, then the elements that run returns, or its error. */
function form(id, busyText, run) {
  const section = document.getElementById(id);
  const fields = section.querySelector('form');
  const answer = section.querySelector('.answer');
  const button = fields.querySelector('button.main');
  const pickers = {};
  for (const container of fields.querySelectorAll('[data-picker]')) {
    pickers[container.dataset.name] = new Picker(container);
  }
  fields.addEventListener('submit', async event => {
    event.preventDefault();
    if (button.getAttribute('aria-disabled') === 'true') return;
    button.setAttribute('aria-disabled', 'true'); // a disabled button would lose the focus
    show(answer, element('p', {}, busyText));
    try {
      show(answer, ...await run(pickers, fields));
    } catch (error) {
      fail(answer, error);
    } finally {
      button.removeAttribute('aria-disabled');
    }
  });
}

form('identify', 'Identifying…', async ({ image }) => {
  const sent = await image.get();
  const result = await send('POST', '/api/identify', sent);
  if (image.image === sent) image.mark(result.faces, result.width, result.height); // else another one was selected
  return identified(result);
});

form('compare', 'Comparing…', async ({ first, second }) => {
  const a = await first.get();
  const b = await second.get();
  return compared(await send('POST', `/api/compare?first=${a.size}`, new Blob([a, b]))); // one after the other
});

form('enroll', 'Enrolling…', async ({ image }, fields) => {
  const name = fields.elements.name.value;
  const sent = await image.get();
  const result = await send('POST', `/api/enroll?name=${encodeURIComponent(name)}`, sent);
  if (image.image === sent) image.clear(); // else another one was selected
  await refreshGallery();
  return enrolled(result);
});

send('GET', '/api/settings').then(received => {
  settings = received;
  const source = received.falseAcceptRate === null
    ? 'This threshold was set when the server was started; its false accept rate was not measured.'
    : `This is the model's threshold for a false accept rate of ${received.falseAcceptRate}.`;
  document.getElementById('threshold').textContent = 'Two faces count as the same person if their cosine similarity is at'
    + ` or above the threshold, ${formatThreshold(received.threshold)}. ${source} A cosine similarity is not a probability.`;
}).catch(error => fail(document.querySelector('#gallery .answer'), error));
refreshGallery();
