// What the page's bundle has in place of Node's own modules, which TensorFlow.js names and does not use in a browser.

export default {};
